import { Readable } from 'node:stream';
import { Controller, Get, Param, Query, Req, Res } from '@nestjs/common';
import { ApiOperation, ApiProduces, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { GraphAccess } from '../auth/access';
import type { Actor } from '../auth/actor';
import { CurrentActor, CurrentGraph } from '../auth/current';
import { Public, Requires } from '../auth/requires';
import { PlatformConfig } from '../config/platform.config';
import { BackupDownloadsService } from './backup-downloads.service';
import { rangeOf } from './byte-ranges';
import { DownloadBackupQuery } from './dto/backup-request.dto';

@ApiTags('backup')
@Controller('v1')
export class BackupDownloadsController {
  constructor(
    private readonly downloads: BackupDownloadsService,
    private readonly config: PlatformConfig,
  ) {}

  @Get('graphs/:graph_id/backups/:backup_id/download')
  @Requires('graph:admin')
  @ApiOperation({ summary: 'A link to fetch a backup, decrypted; good while it lasts and you administer the graph' })
  async link(
    @CurrentActor() actor: Actor,
    @CurrentGraph() graph: GraphAccess,
    @Param('backup_id') backupId: string,
    @Query() { expires_in: seconds }: DownloadBackupQuery,
    @Req() request: FastifyRequest,
  ): Promise<object> {
    const { path, expiresAt } = await this.downloads.giveOut(actor, graph, backupId, seconds);
    const origin = this.config.publicUrl?.replace(/\/+$/, '') ?? `${request.protocol}://${request.host}`;
    return {
      download_url: `${origin}${path}`,
      expires_in: seconds,
      expires_at: expiresAt.getTime() / 1_000,
      backup_id: backupId,
      graph_id: graph.id,
    };
  }

  /** Public to the guard, because the link is the credential; whose it is, and whether it is good, the service decides. */
  @Get('backup-downloads/:download_id')
  @Public()
  @ApiProduces('application/x-tar')
  @ApiOperation({ summary: 'The archive of a backup, by a link; with the header Range a part of it' })
  async fetch(
    @Param('download_id') downloadId: string,
    @Query('signature') signature: unknown,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Readable> {
    const backup = await this.downloads.follow(downloadId, signature, { requestId: request.id, ip: request.ip });
    const { bytes, sha256 } = backup.manifest.content;
    const etag = `"${sha256}"`;
    const { range: wanted, 'if-range': unchanged } = request.headers;
    const range = unchanged === undefined || unchanged === etag ? rangeOf(wanted, bytes) : null;
    const content = await this.downloads.open(backup, range);
    void reply.headers({
      'accept-ranges': 'bytes',
      'cache-control': 'private, no-store, no-transform',
      'content-disposition': `attachment; filename="${backup.graphId}-${backup.id}.tar"`,
      'content-type': 'application/x-tar',
      etag,
    });
    if (range !== null) {
      void reply.status(206).header('content-range', `bytes ${range.start}-${range.end - 1}/${bytes}`);
    }
    void reply.header('content-length', range === null ? bytes : range.end - range.start);
    return Readable.from(content, { objectMode: false });
  }
}
