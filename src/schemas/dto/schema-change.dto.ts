import { ApiProperty } from '@nestjs/swagger';
import { ArrayMaxSize, IsBoolean, IsIn, IsObject, IsOptional, ValidateIf } from 'class-validator';
import { AsSent } from '../../common/as-sent';
import { Text } from '../../common/text';
import { toDefinition } from '../definition';
import type { SchemaChange } from '../schema-changes';
import type { SchemaVersion } from '../schema-version';
import type { StagedEffects } from '../staged-effects';
import { IsDefinition } from './is-definition';
import { DEFINITION_FORMATS } from './schema.dto';

/** What to change: a whole definition that the graph is to have, or what to add and drop. */
export class ChangeSchemaDto {
  @ApiProperty({ required: false, description: 'all that the graph is to have; instead of add and drop' })
  @ValidateIf((body: ChangeSchemaDto) => body.schema_definition != null)
  @IsDefinition()
  schema_definition?: object | string | null;

  @IsIn(DEFINITION_FORMATS)
  format: (typeof DEFINITION_FORMATS)[number] = 'json';

  /** `nodes` and `relationships` as in a definition; types that are there gain the properties and pairs. */
  @IsOptional()
  @IsObject()
  @AsSent()
  add?: object | null;

  /** Paths such as `nodes.Person.properties.age`. */
  @IsOptional()
  @ArrayMaxSize(1_000)
  @Text({ max: 300, each: true })
  drop?: string[] | null;

  /** Whether data may be lost by it. */
  @IsBoolean()
  confirm: boolean = false;

  /** Only says what would happen. */
  @IsBoolean()
  dry_run: boolean = false;
}

/** What the change is made of, and whether it can be made: `refused` where one part of it cannot. */
export function toReportDto(changes: SchemaChange[], effects: StagedEffects): object {
  const verdicts = changes.map(({ verdict }) => verdict);
  const verdict = (['refused', 'confirm'] as const).find((one) => verdicts.includes(one)) ?? 'compatible';
  return {
    verdict,
    compatible: verdict === 'compatible',
    needs_confirmation: verdicts.includes('confirm'),
    changes: toChangesDto(changes),
    notes: effects.notes,
    becomes_stale: effects.stale !== null,
  };
}

export function toChangesDto(changes: SchemaChange[]): object[] {
  return changes.map(({ path, change, verdict, message }) => ({ path, change, verdict, message }));
}

export function toVersionDto(version: SchemaVersion, current: number | null): object {
  return {
    number: version.number,
    version: version.schema.version,
    status: version.status,
    is_current: version.number === current,
    base: version.base,
    note: version.note,
    generation: version.generation,
    operation_id: version.operationId,
    created_at: version.createdAt.toISOString(),
    applied_at: version.appliedAt?.toISOString() ?? null,
    changes: toChangesDto(version.changes),
  };
}

export function toVersionDetailDto(version: SchemaVersion, current: number | null): object {
  return { ...toVersionDto(version, current), schema_definition: toDefinition(version.schema) };
}
