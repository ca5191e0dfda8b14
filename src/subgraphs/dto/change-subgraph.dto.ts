import { ApiProperty } from '@nestjs/swagger';
import { IsISO8601, ValidateIf } from 'class-validator';

export class ChangeSubgraphDto {
  @ApiProperty({
    nullable: true,
    type: String,
    format: 'date-time',
    description: 'when it is deleted by itself; null: never',
  })
  @ValidateIf(({ expires_at }: ChangeSubgraphDto) => expires_at !== null)
  @IsISO8601({ strict: true })
  expires_at: string | null;
}
