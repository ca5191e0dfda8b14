import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query, Req, Res } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { GraphAccess } from '../auth/access';
import type { Actor } from '../auth/actor';
import { CurrentActor, CurrentGraph } from '../auth/current';
import { Requires } from '../auth/requires';
import { InvalidRequest } from '../common/problem.filter';
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
  toAsideAnswer,
  toFileDetails,
  toFileInfo,
  toStagingAnswer,
  UpdateFileResponse,
} from './dto/file.dto';
import { FileStatesService } from './file-states.service';
import { FilesService } from './files.service';
import { StageFile } from './staging.operations';
import { refuseUnlessStaged } from './staging-outcome';
import { UploadLinks } from './upload-links';

/** A request that prefers nothing waits this long for its file to be read before it answers with the operation. */
const WAIT_MS = 20_000;
const INGEST_FIELD = { loc: ['body', 'ingest_to_graph'], type: 'value_error' };

@ApiTags('files')
@Controller('v1/graphs/:graph_id/files')
export class FilesController {
  constructor(
    private readonly files: FilesService,
    private readonly states: FileStatesService,
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
      ingest: body.ingest_to_graph,
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
  @StartsOperation(StageFile, { answer: UpdateFileResponse, waits: true })
  @Requires('graph:member')
  @ApiOperation({
    summary: 'Say that the content was sent: it is checked and added to its table. Or take it out of there and keep it',
  })
  async update(
    @CurrentActor() actor: Actor,
    @CurrentGraph() graph: GraphAccess,
    @Param('file_id') fileId: string,
    @Body() body: FileStatusUpdate,
    @PreferredWait() preferredMs: number | null,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<UpdateFileResponse> {
    const { status, ingest_to_graph: ingest } = body;
    if (status !== 'uploaded') {
      if (ingest) throw new InvalidRequest([{ ...INGEST_FIELD, msg: `a file that is ${status} cannot be ingested` }]);
      void reply.status(200);
      const { markedStale } = await this.states.setAside(actor, graph.orgId, graph.id, fileId, status);
      return toAsideAnswer(await this.files.get(graph.id, fileId), markedStale);
    }
    const operationId = await this.states.requestStaging(actor, graph.orgId, graph.id, fileId, { ingest });
    const operation =
      operationId === null ? null : await this.states.waitForStaging(operationId, preferredMs ?? WAIT_MS);
    if (operation) refuseUnlessStaged(operation);
    const file = await this.files.get(graph.id, fileId);
    if (file.status === 'staged') void reply.status(200);
    return toStagingAnswer(file);
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
