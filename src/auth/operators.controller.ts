import { Controller, Delete, Get, HttpCode, Param, Put } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Actor } from './actor';
import { CurrentActor } from './current';
import { OperatorsService } from './operators.service';
import { Requires } from './requires';
import type { User } from './user.entity';

@ApiTags('Administration')
@Controller('v1/admin/operators')
@Requires('operator')
export class OperatorsController {
  constructor(private readonly operators: OperatorsService) {}

  @Get()
  @ApiOperation({ summary: 'Who runs this installation', operationId: 'listOperators' })
  async list() {
    return { operators: (await this.operators.list()).map(toOperatorDto) };
  }

  @Put(':user_id')
  @ApiOperation({ summary: 'Make somebody an operator', operationId: 'addOperator' })
  async add(@CurrentActor() actor: Actor, @Param('user_id') userId: string) {
    return toOperatorDto(await this.operators.add(actor, userId));
  }

  @Delete(':user_id')
  @HttpCode(204)
  @ApiOperation({ summary: 'Make an operator an ordinary user; 409 for the last one', operationId: 'removeOperator' })
  remove(@CurrentActor() actor: Actor, @Param('user_id') userId: string): Promise<void> {
    return this.operators.remove(actor, userId);
  }
}

function toOperatorDto({ id, name, email }: User) {
  return { user_id: id, name, email };
}
