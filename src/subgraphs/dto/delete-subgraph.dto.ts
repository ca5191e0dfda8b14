import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsBoolean, IsIn, IsOptional } from 'class-validator';

export class DeleteSubgraphDto {
  /** Deletes it although it holds something. */
  @IsOptional()
  @IsBoolean()
  force: boolean = false;

  /** Makes a backup first, where there is something to keep. */
  @IsOptional()
  @IsBoolean()
  backup_first: boolean = true;

  @IsOptional()
  @IsIn([null], { message: 'backup_location cannot be chosen: backups are kept where those of all graphs are' })
  @ApiPropertyOptional({ type: String, nullable: true, enum: [null] })
  backup_location?: null;
}

export class DeletedSubgraphDto {
  @ApiProperty()
  graph_id: string;
  @ApiProperty({ description: 'deleted, or deleting where its operation did not end in time' })
  status: string;
  @ApiProperty({ type: String, format: 'date-time' })
  deleted_at: string;
  @ApiProperty({ nullable: true, type: String })
  backup_location: string | null;
  @ApiProperty({ nullable: true, type: String })
  message: string | null;
  @ApiProperty()
  operation_id: string;
}
