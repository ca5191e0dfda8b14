import { Body, Controller, Get, HttpCode, Param, ParseIntPipe, Patch, Post, Query, Res } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { stringify } from 'yaml';
import type { Actor } from '../auth/actor';
import { CurrentActor } from '../auth/current';
import { Requires } from '../auth/requires';
import { Clock } from '../common/clock';
import { GraphsService } from '../graphs/graphs.service';
import { NotRepeatable } from '../idempotency/not-repeatable';
import { toStartedDto } from '../operations/dto/operation.dto';
import { StartsOperation } from '../operations/starts-operation';
import { checkSchema, toCheckDto } from './check-schema';
import { toDefinition } from './definition';
import { ChangeSchemaDto, toReportDto, toVersionDetailDto, toVersionDto } from './dto/schema-change.dto';
import { type ExportFormat, ExportSchemaQuery, toDataStatsDto, toSchemaDto, ValidateSchemaDto } from './dto/schema.dto';
import type { GraphSchema } from './graph-schema';
import { definitionsOf } from './schema-definitions';
import { ChangeSchema } from './schemas.operations';
import { SchemasService } from './schemas.service';

@ApiTags('schema')
@Controller('v1/graphs/:graph_id/schema')
export class SchemasController {
  constructor(
    private readonly schemas: SchemasService,
    private readonly graphs: GraphsService,
    private readonly clock: Clock,
  ) {}

  @Get()
  @Requires('graph:reader')
  @ApiOperation({ summary: 'Node and relationship types with their properties, keys and ends' })
  async read(@Param('graph_id') graphId: string): Promise<object> {
    return { graph_id: graphId, schema: toSchemaDto((await this.graphs.get(graphId)).schema) };
  }

  @Patch()
  @StartsOperation(ChangeSchema)
  @Requires('graph:admin')
  @ApiOperation({
    summary:
      'Add and drop types and properties; answers with the operation that does it, or with dry_run what it would do',
  })
  async change(
    @CurrentActor() actor: Actor,
    @Param('graph_id') graphId: string,
    @Body() body: ChangeSchemaDto,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<object> {
    const begun = await this.schemas.requestChange(actor, graphId, body);
    if (!('target' in begun)) return toStartedDto(begun);
    void reply.status(200);
    return { graph_id: graphId, operation_id: null, dry_run: true, ...toReportDto(begun.changes, begun.effects) };
  }

  @Get('export')
  @Requires('graph:viewer')
  @ApiOperation({ summary: 'The schema as JSON, YAML or Cypher, and on request how much data there is of each type' })
  async export(@Param('graph_id') graphId: string, @Query() query: ExportSchemaQuery): Promise<object> {
    const [{ schema }, live] = await Promise.all([this.graphs.get(graphId), this.graphs.liveGeneration(graphId)]);
    const stats = query.include_data_stats && live?.manifest;
    return {
      graph_id: graphId,
      schema_definition: exported(schema, query.format),
      format: query.format,
      exported_at: this.clock.now().toISOString(),
      data_stats: stats ? toDataStatsDto(schema, live.number, stats) : null,
    };
  }

  @Post('validate')
  @HttpCode(200)
  @NotRepeatable('Checking changes nothing')
  @Requires('graph:viewer')
  @ApiOperation({ summary: 'Every problem of a definition, and what it would change in this graph' })
  async validate(@Param('graph_id') graphId: string, @Body() body: ValidateSchemaDto): Promise<object> {
    const check = checkSchema(body);
    if (check.schema === null) return { ...toCheckDto(check), changes: null };
    const { changes, effects } = await this.schemas.propose(graphId, check.schema);
    return { ...toCheckDto(check), changes: toReportDto(changes, effects) };
  }

  @Get('versions')
  @Requires('graph:viewer')
  @ApiOperation({ summary: 'Every schema that the graph had or was to have, newest first' })
  async versions(@Param('graph_id') graphId: string): Promise<object> {
    const { versions, current } = await this.schemas.history(graphId);
    return {
      graph_id: graphId,
      current,
      versions: versions.map((version) => toVersionDto(version, current)),
      total_count: versions.length,
    };
  }

  @Get('versions/:number')
  @Requires('graph:viewer')
  @ApiOperation({ summary: 'One version with its whole definition' })
  async version(@Param('graph_id') graphId: string, @Param('number', ParseIntPipe) number: number): Promise<object> {
    const { version, current } = await this.schemas.version(graphId, number);
    return { graph_id: graphId, ...toVersionDetailDto(version, current) };
  }
}

function exported(schema: GraphSchema, format: ExportFormat): object | string {
  switch (format) {
    case 'json':
      return toDefinition(schema);
    case 'yaml':
      return stringify(toDefinition(schema));
    case 'cypher':
      return definitionsOf(schema)
        .map((statement) => `${statement};\n`)
        .join('');
  }
}
