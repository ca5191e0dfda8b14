import type { Type as Class } from '@nestjs/common';
import { ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsInt, IsOptional, Max, Min } from 'class-validator';
import { LARGEST_INTEGER } from './units';

export interface Page {
  limit: number;
  offset: number;
}

/** Which part of a list a query asks for: so many entries where it does not say, and never more than `most`. */
export function pageOf({ limit: usual, most }: { limit: number; most: number }): Class<Page> {
  class PageQuery implements Page {
    @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: most, default: usual })
    @IsOptional()
    @Type(() => Number)
    @IsInt()
    @Min(1)
    @Max(most)
    limit: number = usual;

    @ApiPropertyOptional({ type: 'integer', minimum: 0, maximum: LARGEST_INTEGER, default: 0 })
    @IsOptional()
    @Type(() => Number)
    @IsInt()
    @Min(0)
    @Max(LARGEST_INTEGER)
    offset: number = 0;
  }
  return PageQuery;
}
