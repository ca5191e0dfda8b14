import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import {
  ArrayMaxSize,
  ArrayNotEmpty,
  ArrayUnique,
  IsArray,
  IsIn,
  IsInt,
  IsISO8601,
  IsOptional,
  Matches,
  Max,
  Min,
} from 'class-validator';
import { GRAPH_ID } from '../../common/ids';
import { Text } from '../../common/text';
import { type Scope, SCOPES } from '../actor';
import type { ApiKey } from '../api-key.entity';

export class CreateApiKeyRequest {
  @ApiProperty({ maxLength: 100 })
  @Text({ max: 100, trim: true })
  name: string;

  @ApiPropertyOptional({ maxLength: 1000 })
  @IsOptional()
  @Text({ max: 1000, min: 0, multiline: true })
  description?: string | null;

  @ApiPropertyOptional({ format: 'date-time', description: 'ISO 8601; UTC where it names no offset. Default: never' })
  @IsOptional()
  @IsISO8601({ strict: true })
  expires_at?: string | null;

  @ApiPropertyOptional({ enum: SCOPES, isArray: true, description: 'Default: all that the creating credential has' })
  @IsOptional()
  @IsArray()
  @ArrayNotEmpty()
  @ArrayUnique()
  @IsIn(SCOPES, { each: true })
  scopes?: Scope[] | null;

  @ApiPropertyOptional({ type: [String], description: 'the only graphs (with their subgraphs) that it is good for' })
  @IsOptional()
  @IsArray()
  @ArrayNotEmpty()
  @ArrayMaxSize(100)
  @ArrayUnique()
  @Matches(GRAPH_ID, { each: true, message: 'each value in graph_ids must be the id of a graph' })
  graph_ids?: string[] | null;
}

export class UpdateApiKeyRequest {
  @ApiPropertyOptional({ maxLength: 100 })
  @IsOptional()
  @Text({ max: 100, trim: true })
  name?: string | null;

  @ApiPropertyOptional({ maxLength: 1000 })
  @IsOptional()
  @Text({ max: 1000, min: 0, multiline: true })
  description?: string | null;
}

export class RotateApiKeyRequest {
  @ApiPropertyOptional({ default: 0, maximum: 604_800, description: 'time that the old key goes on working' })
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(604_800)
  overlap_seconds?: number | null;
}

/** What is shown of a key: never the key itself. */
export function toApiKeyDto(key: ApiKey) {
  return {
    id: key.id,
    name: key.name,
    description: key.description,
    prefix: key.prefix,
    is_active: key.isActive,
    scopes: key.scopes,
    graph_ids: key.graphIds,
    created_at: key.createdAt,
    last_used_at: key.lastUsedAt,
    expires_at: key.expiresAt,
  };
}

/** Without an offset, ECMAScript would read a time in the zone of the server; here it means UTC. */
export function utcDate(iso: string): Date {
  const bare = /T[\d:.,]+$/i.test(iso);
  return new Date(bare ? `${iso}Z` : iso);
}
