import { Controller, HttpCode, Param, Put, Query, Req } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { Public } from '../auth/requires';
import { FilesService } from './files.service';
import { UploadLinks } from './upload-links';
import { streamOf } from './upload-streams';

@ApiTags('files')
@Controller('v1/uploads')
export class UploadsController {
  constructor(
    private readonly files: FilesService,
    private readonly links: UploadLinks,
  ) {}

  @Put(':file_id')
  @HttpCode(200)
  @Public()
  @ApiOperation({ summary: 'Upload the content of a file, by the link that announcing it gave' })
  async upload(
    @Param('file_id') fileId: string,
    @Query('expires') expires: unknown,
    @Query('signature') signature: unknown,
    @Req() request: FastifyRequest,
  ): Promise<object> {
    await this.links.check(fileId, expires, signature);
    const length = request.headers['content-length'];
    const upload = await this.files.expectUpload(fileId, length === undefined ? undefined : Number(length));
    const { id, status, sizeBytes } = await this.files.storeUpload(upload, streamOf(request));
    return { file_id: id, status, size_bytes: sizeBytes };
  }
}
