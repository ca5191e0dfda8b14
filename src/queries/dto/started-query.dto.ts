import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { StartedOperationDto, toStartedDto } from '../../operations/dto/operation.dto';
import type { Operation } from '../../operations/operation.entity';
import { type Notice, noticed } from '../notices';

/** The answer to a query that runs as an operation. */
export class StartedQueryDto extends StartedOperationDto {
  @ApiProperty({ description: 'the same as operation_id' })
  query_id: string;
  @ApiProperty({ description: 'where the result will be' })
  result_url: string;
  @ApiPropertyOptional({ type: 'array', items: { type: 'object' }, description: 'what else to know: code and message' })
  notices?: Notice[];
}

export function toStartedQueryDto(operation: Operation, notices: Notice[]): StartedQueryDto {
  return {
    ...toStartedDto(operation),
    query_id: operation.id,
    result_url: `/v1/graphs/${operation.graphId}/queries/${operation.id}/result`,
    ...noticed(notices),
  };
}
