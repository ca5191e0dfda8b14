import { IsIn, IsOptional } from 'class-validator';

export class DeleteGraphQuery {
  /** Deletes its subgraphs as well; without it a graph that has some is not deleted. */
  @IsOptional()
  @IsIn(['true', 'false'])
  cascade?: 'true' | 'false';
}
