import { plainToInstance } from 'class-transformer';
import { ArrayMaxSize, ArrayMinSize, IsArray, IsBoolean, IsObject, IsOptional, validateSync } from 'class-validator';
import type { FieldProblem } from '../common/problem';
import { InvalidRequest } from '../common/problem.filter';
import { Text, textProblem } from '../common/text';
import { fieldProblems } from '../common/validation.pipe';

export const FORK_OPTIONS_PATH = ['body', 'metadata', 'fork_options'];
const LONGEST_CONDITION = 2_000;

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

/** The fork options in the metadata of a request, exactly as they are there; null where there are none. Throws `InvalidRequest`. */
export function readForkOptions(metadata: Record<string, unknown> | null | undefined): ForkOptions | null {
  const given = metadata?.fork_options ?? null;
  if (given === null) return null;
  if (typeof given !== 'object' || Array.isArray(given))
    refuse([{ loc: [], msg: 'must be an object', type: 'object' }]);
  const broken = validateSync(plainToInstance(ForkOptions, given), { whitelist: true, forbidNonWhitelisted: true });
  const options = given as ForkOptions;
  const problems = broken.flatMap((error) => fieldProblems(error, []));
  if (problems.length === 0) problems.push(...conditionProblems(options.where ?? {}));
  if (problems.length > 0) refuse(problems);
  return options;
}

function conditionProblems(where: Record<string, unknown>): FieldProblem[] {
  return Object.entries(where).flatMap(([table, condition]) => {
    const msg = textProblem(condition, { max: LONGEST_CONDITION, multiline: true });
    return msg === undefined ? [] : [{ loc: ['where', table], msg, type: 'text' }];
  });
}

function refuse(problems: FieldProblem[]): never {
  throw new InvalidRequest(problems.map((problem) => ({ ...problem, loc: [...FORK_OPTIONS_PATH, ...problem.loc] })));
}
