import { Controller, Get, Param, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { GraphAccess } from '../auth/access';
import { CurrentGraph } from '../auth/current';
import { Requires } from '../auth/requires';
import { ClosedSignal } from '../common/closed-signal';
import { PreviewQuery, ProfileResponse, toProfileResponse } from './dto/preview.dto';
import { TableQueryResponse, toTableQueryResponse } from './dto/table.dto';
import { PreviewsService, type Previewed } from './previews.service';

/** What staged files and tables hold, for people who want to see it before they load it. */
@ApiTags('tables')
@Controller('v1/graphs/:graph_id')
export class PreviewsController {
  constructor(private readonly previews: PreviewsService) {}

  @Get('files/:file_id/preview')
  @Requires('graph:viewer')
  @ApiOperation({ summary: 'The first rows of a staged file, in its order' })
  @ApiOkResponse({ type: TableQueryResponse })
  ofFile(
    @CurrentGraph() { id }: GraphAccess,
    @Param('file_id') fileId: string,
    @Query() page: PreviewQuery,
    @ClosedSignal() signal: AbortSignal,
  ): Promise<TableQueryResponse> {
    return this.preview(id, { fileId }, page, signal);
  }

  @Get('tables/:table_name/preview')
  @Requires('graph:viewer')
  @ApiOperation({ summary: 'The first rows of a staging table, file after file' })
  @ApiOkResponse({ type: TableQueryResponse })
  ofTable(
    @CurrentGraph() { id }: GraphAccess,
    @Param('table_name') tableName: string,
    @Query() page: PreviewQuery,
    @ClosedSignal() signal: AbortSignal,
  ): Promise<TableQueryResponse> {
    return this.preview(id, { tableName }, page, signal);
  }

  @Get('files/:file_id/profile')
  @Requires('graph:viewer')
  @ApiOperation({ summary: 'What the columns of a staged file hold: nulls, different values, ends, examples' })
  @ApiOkResponse({ type: ProfileResponse })
  profileFile(
    @CurrentGraph() { id }: GraphAccess,
    @Param('file_id') fileId: string,
    @ClosedSignal() signal: AbortSignal,
  ): Promise<ProfileResponse> {
    return this.profile(id, { fileId }, signal);
  }

  @Get('tables/:table_name/profile')
  @Requires('graph:viewer')
  @ApiOperation({ summary: 'What the columns of a staging table hold: nulls, different values, ends, examples' })
  @ApiOkResponse({ type: ProfileResponse })
  profileTable(
    @CurrentGraph() { id }: GraphAccess,
    @Param('table_name') tableName: string,
    @ClosedSignal() signal: AbortSignal,
  ): Promise<ProfileResponse> {
    return this.profile(id, { tableName }, signal);
  }

  private async preview(
    graphId: string,
    what: Previewed,
    { limit, offset }: PreviewQuery,
    signal: AbortSignal,
  ): Promise<TableQueryResponse> {
    return toTableQueryResponse(await this.previews.rows(graphId, what, { limit, offset }, signal), offset);
  }

  private async profile(graphId: string, what: Previewed, signal: AbortSignal): Promise<ProfileResponse> {
    const { profile, propertyTypes } = await this.previews.profile(graphId, what, signal);
    return toProfileResponse(profile, propertyTypes);
  }
}
