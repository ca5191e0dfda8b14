import { ArrayMaxSize, ArrayMinSize, IsArray, IsBoolean, IsObject, IsOptional } from 'class-validator';
import { Text } from '../common/text';

/** What of its parent a fork takes; `metadata.fork_options` of the request that makes one. */
export class ForkOptions {
  /** Node and relationship types; without it all of them. */
  @IsOptional()
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(1_000)
  @Text({ max: 200, each: true })
  tables?: string[] | null;

  /** Types to leave out: names, in which `*` stands for any text and `?` for any letter. */
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(1_000)
  @Text({ max: 200, each: true })
  exclude_patterns?: string[] | null;

  /** Node type -> condition on `n`, such as `n.state = 'CA'`. Nodes that do not meet it stay behind. */
  @IsOptional()
  @IsObject()
  where?: Record<string, string> | null;

  /** Brings the staged files of these types along. */
  @IsOptional()
  @IsBoolean()
  include_staging?: boolean | null;
}
