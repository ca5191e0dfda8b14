import { ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsInt, IsOptional, IsString, Max, Min } from 'class-validator';

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
