import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query, Req, Res } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { GraphAccess } from '../auth/access';
import type { Actor } from '../auth/actor';
import { CurrentActor, CurrentGraph } from '../auth/current';
import { Requires } from '../auth/requires';
import { NotImplementedYet } from '../common/not-implemented';
import { PlatformConfig } from '../config/platform.config';
import { PreferredWait, StartsOperation } from '../operations/starts-operation';
import {
  DeleteFileQuery,
  FileStatusUpdate,
  FileUploadRequest,
  ListFilesQuery,
  toFileOptions,
} from './dto/file-request.dto';
import {
  contentKey,
  DeleteFileResponse,
  FileUploadResponse,
  GetFileInfoResponse,
  ListTableFilesResponse,
  toFileDetails,
  toFileInfo,
  UpdateFileResponse,
} from './dto/file.dto';
import { FilesService } from './files.service';
import { StageFile } from './staging.operations';
import { refuseUnlessStaged } from './staging-outcome';
import { UploadLinks } from './upload-links';

/** A request that prefers nothing waits this long for its file to be read before it answers with the operation. */
const WAIT_MS = 20_000;

@ApiTags('files')
@Controller('v1/graphs/:graph_id/files')
export class FilesController {
  constructor(
    private readonly files: FilesService,
    private readonly links: UploadLinks,
    private readonly config: PlatformConfig,
  ) {}

  @Post()
  @HttpCode(200)
  @Requires('graph:member')
  @ApiOperation({ summary: 'Announce a file for a table; answers with the link to upload it' })
  @ApiOkResponse({ type: FileUploadResponse })
  async announce(
    @CurrentActor() actor: Actor,
    @CurrentGraph() graph: GraphAccess,
    @Body() body: FileUploadRequest,
    @Req() request: FastifyRequest,
  ): Promise<FileUploadResponse> {
    const file = await this.files.announce(actor, graph.id, {
      fileName: body.file_name,
      contentType: body.content_type,
      tableName: body.table_name,
      options: toFileOptions(body),
    });
    const origin = this.config.publicUrl?.replace(/\/+$/, '') ?? `${request.protocol}://${request.host}`;
    const { url, expiresIn } = await this.links.sign(origin, file.id);
    return { upload_url: url, expires_in: expiresIn, file_id: file.id, s3_key: contentKey(file) };
  }

  @Get()
  @Requires('graph:viewer')
  @ApiOperation({ summary: 'The files of all tables or of one, oldest first' })
  @ApiOkResponse({ type: ListTableFilesResponse })
  async list(@CurrentGraph() graph: GraphAccess, @Query() query: ListFilesQuery): Promise<ListTableFilesResponse> {
    const { table_name: tableName, status, limit, offset } = query;
    const statuses = status === 'uploaded' ? (['uploaded', 'staging', 'staged'] as const) : status && [status];
    const filter = { tableName, statuses: statuses && [...statuses] };
    const { files, total, bytes } = await this.files.list(graph.id, filter, { limit, offset });
    return {
      graph_id: graph.id,
      files: files.map(toFileInfo),
      total_files: total,
      total_size_bytes: bytes,
      table_name: tableName ?? null,
    };
  }

  @Get(':file_id')
  @Requires('graph:viewer')
  @ApiOperation({ summary: 'A file, its columns, and how far it has come' })
  @ApiOkResponse({ type: GetFileInfoResponse })
  async get(@CurrentGraph() graph: GraphAccess, @Param('file_id') fileId: string): Promise<GetFileInfoResponse> {
    return toFileDetails(await this.files.get(graph.id, fileId));
  }

  @Patch(':file_id')
  @StartsOperation(StageFile, { answer: UpdateFileResponse })
  @Requires('graph:member')
  @ApiOperation({ summary: 'Say that the content was sent: it is checked and added to its table' })
  async update(
    @CurrentActor() actor: Actor,
    @CurrentGraph() graph: GraphAccess,
    @Param('file_id') fileId: string,
    @Body() body: FileStatusUpdate,
    @PreferredWait() preferredMs: number | null,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<UpdateFileResponse> {
    if (body.status !== 'uploaded') throw new NotImplementedYet(`Setting a file to ${body.status}`);
    if (body.ingest_to_graph) throw new NotImplementedYet('ingest_to_graph');
    const operationId = await this.files.requestStaging(actor, graph.orgId, graph.id, fileId);
    const operation =
      operationId === null ? null : await this.files.waitForStaging(operationId, preferredMs ?? WAIT_MS);
    if (operation) refuseUnlessStaged(operation);
    const file = toFileDetails(await this.files.get(graph.id, fileId));
    if (file.status === 'staged') {
      void reply.status(200);
      return { ...file, message: `${file.row_count} rows are staged in ${file.table_name}` };
    }
    const links = `/v1/operations/${operationId}`;
    return {
      ...file,
      message: 'The file is still being read; watch the operation',
      _links: { stream: `${links}/stream`, status: `${links}/status`, cancel: links },
    };
  }

  @Delete(':file_id')
  @Requires('graph:member')
  @ApiOperation({ summary: 'Remove a file with its rows from its table' })
  @ApiOkResponse({ type: DeleteFileResponse })
  async remove(
    @CurrentActor() actor: Actor,
    @CurrentGraph() graph: GraphAccess,
    @Param('file_id') fileId: string,
    @Query() query: DeleteFileQuery,
  ): Promise<DeleteFileResponse> {
    const { file, markedStale } = await this.files.remove(actor, graph.orgId, graph.id, fileId);
    const kept = markedStale ? '; the graph keeps them until it is materialized again' : '';
    return {
      status: 'deleted',
      file_id: file.id,
      file_name: file.fileName,
      message: `The file and its rows were removed from ${file.tableName}${kept}`,
      cascade_deleted: query.cascade === 'true',
      tables_affected: [file.tableName],
      graph_marked_stale: markedStale,
    };
  }
}
