import { ApiProperty } from '@nestjs/swagger';
import { StartedOperationDto, toStartedDto } from '../../operations/dto/operation.dto';
import type { Operation } from '../../operations/operation.entity';

/** The answer to a query that runs as an operation. */
export class StartedQueryDto extends StartedOperationDto {
  @ApiProperty({ description: 'the same as operation_id' })
  query_id: string;
  @ApiProperty({ description: 'where the result will be' })
  result_url: string;
}

export function toStartedQueryDto(operation: Operation): StartedQueryDto {
  return {
    ...toStartedDto(operation),
    query_id: operation.id,
    result_url: `/v1/graphs/${operation.graphId}/queries/${operation.id}/result`,
  };
}
