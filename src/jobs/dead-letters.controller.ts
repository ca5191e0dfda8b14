import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Actor } from '../auth/actor';
import { CurrentActor } from '../auth/current';
import { Requires } from '../auth/requires';
import { InvalidRequest } from '../common/problem.filter';
import { toStartedDto } from '../operations/dto/operation.dto';
import { StartsOperation } from '../operations/starts-operation';
import { DeadLettersService } from './dead-letters.service';
import {
  DeadLetterListQuery,
  DeadLetterSelection,
  toBulkDto,
  toDeadLetterDto,
  toFilter,
  toFullDeadLetterDto,
} from './dto/dead-letter.dto';

@ApiTags('Administration')
@Controller('v1/admin/dead-letters')
@Requires('operator')
export class DeadLettersController {
  constructor(private readonly letters: DeadLettersService) {}

  @Get()
  @ApiOperation({ summary: 'Operations that could not be done, newest first', operationId: 'listDeadLetters' })
  async list(@Query() query: DeadLetterListQuery) {
    const { items, nextCursor } = await this.letters.list(toFilter(query), query);
    return { dead_letters: items.map(toDeadLetterDto), next_cursor: nextCursor };
  }

  @Get(':dead_letter_id')
  @ApiOperation({ summary: 'A dead letter with its payload and every attempt', operationId: 'getDeadLetter' })
  async get(@Param('dead_letter_id') id: string) {
    return toFullDeadLetterDto(await this.letters.get(id));
  }

  @Post('retry')
  @HttpCode(200)
  @ApiOperation({ summary: 'Try again all open ones of a filter or of a list of ids', operationId: 'retryDeadLetters' })
  async retryAll(@CurrentActor() actor: Actor, @Body() selection: DeadLetterSelection) {
    return toBulkDto(await this.letters.retryAll(actor, filterIn(selection)), 'retried');
  }

  @Post('discard')
  @HttpCode(200)
  @ApiOperation({ summary: 'Close all open ones of a filter or of a list of ids', operationId: 'discardDeadLetters' })
  async discardAll(@CurrentActor() actor: Actor, @Body() selection: DeadLetterSelection) {
    return toBulkDto(await this.letters.discardAll(actor, filterIn(selection)), 'discarded');
  }

  @Post(':dead_letter_id/retry')
  @StartsOperation('retry')
  @ApiOperation({ summary: 'Do it again, as a new operation', operationId: 'retryDeadLetter' })
  async retry(@CurrentActor() actor: Actor, @Param('dead_letter_id') id: string) {
    return { ...toStartedDto(await this.letters.retry(actor, id)), retry_of: id };
  }

  @Post(':dead_letter_id/discard')
  @HttpCode(200)
  @ApiOperation({ summary: 'Close it without doing anything', operationId: 'discardDeadLetter' })
  async discard(@CurrentActor() actor: Actor, @Param('dead_letter_id') id: string) {
    await this.letters.discard(actor, id);
    return toDeadLetterDto(await this.letters.get(id));
  }
}

/** All of them at once is nobody's wish. Throws a 422 where nothing is said of which ones. */
function filterIn(selection: DeadLetterSelection) {
  const given = Object.values(selection).filter((value) => value !== undefined);
  if (given.length === 0) {
    const msg = 'say which ones: ids, or at least one of type, reason, org_id, graph_id, since and until';
    throw new InvalidRequest([{ loc: ['body'], msg, type: 'missing' }]);
  }
  if (selection.ids !== undefined && given.length > 1) {
    throw new InvalidRequest([{ loc: ['body', 'ids'], msg: 'ids go without a filter', type: 'value_error' }]);
  }
  return toFilter(selection);
}
