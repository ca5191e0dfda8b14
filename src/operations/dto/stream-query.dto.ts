import { ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsIn, IsInt, IsOptional, IsString, Max, Min } from 'class-validator';

export class StreamQueryDto {
  @ApiPropertyOptional({ default: 0, description: 'first event to send; 0 for the beginning. Last-Event-ID beats it' })
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(0)
  @Max(Number.MAX_SAFE_INTEGER)
  from_sequence?: number;

  @ApiPropertyOptional({ description: 'credential, for clients that cannot send headers' })
  @IsOptional()
  @IsString()
  token?: string;
}

export class OrgStreamQueryDto {
  @ApiPropertyOptional({
    enum: ['now', 'beginning'],
    default: 'now',
    description: 'where to begin: with what happens from now on, or with all stored events. Last-Event-ID beats it',
  })
  @IsOptional()
  @IsIn(['now', 'beginning'])
  from: 'now' | 'beginning' = 'now';

  @ApiPropertyOptional({ description: 'credential, for clients that cannot send headers' })
  @IsOptional()
  @IsString()
  token?: string;
}
