import { Equals, IsBoolean, IsIn, IsOptional } from 'class-validator';

export class MaterializeDto {
  @IsOptional()
  @IsBoolean()
  force: boolean = false;

  /** Every materialization builds anew beside the live data, so this only says the same as `force`. */
  @IsOptional()
  @IsBoolean()
  rebuild: boolean = false;

  @IsOptional()
  @IsBoolean()
  ignore_errors: boolean = true;

  @IsOptional()
  @IsBoolean()
  dry_run: boolean = false;

  @IsOptional()
  @IsIn(['staged', null], { message: 'source must be "staged", the only source there is' })
  source?: 'staged' | null;

  @IsOptional()
  @Equals(false, { message: 'materialize_embeddings is not available' })
  materialize_embeddings?: false;
}
