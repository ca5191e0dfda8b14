import { Body, Controller, Delete, Get, HttpCode, Put } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { InvalidRequest } from '../common/problem.filter';
import type { Actor } from './actor';
import { CurrentActor } from './current';
import { CloseAccountRequest, UpdatePasswordRequest, UpdateUserRequest } from './dto/auth.dto';
import { Requires } from './requires';
import type { User } from './user.entity';
import { UsersService } from './users.service';

/** Changing the account takes a session or a key with the scope "admin": such a change can lock its owner out. */
@ApiTags('User')
@Controller('v1/user')
@Requires('user', { scope: 'admin' })
export class UsersController {
  constructor(private readonly users: UsersService) {}

  @Get()
  @Requires('user')
  @ApiOperation({ summary: 'Your account', operationId: 'getCurrentUser' })
  async get(@CurrentActor() actor: Actor) {
    return toUserDto(await this.users.get(actor.userId));
  }

  @Put()
  @ApiOperation({ summary: 'Change name or email', operationId: 'updateUser' })
  async update(@CurrentActor() actor: Actor, @Body() body: UpdateUserRequest) {
    const changes = { name: body.name ?? undefined, email: body.email ?? undefined };
    return toUserDto(await this.users.update(actor, changes));
  }

  @Put('password')
  @ApiOperation({ summary: 'Change the password; ends all other logins', operationId: 'updateUserPassword' })
  async changePassword(@CurrentActor() actor: Actor, @Body() body: UpdatePasswordRequest) {
    if (body.new_password !== body.confirm_password) {
      const msg = 'confirm_password must be the same as new_password';
      throw new InvalidRequest([{ loc: ['body', 'confirm_password'], msg, type: 'value_error' }]);
    }
    await this.users.changePassword(actor, { current: body.current_password, next: body.new_password });
    return { message: 'The password was changed, and all other logins have ended', success: true };
  }

  @Delete()
  @HttpCode(204)
  @ApiOperation({ summary: 'Close the account for good', operationId: 'closeUserAccount' })
  close(@CurrentActor() actor: Actor, @Body() body: CloseAccountRequest): Promise<void> {
    return this.users.close(actor, body.password);
  }
}

function toUserDto(user: User) {
  return { id: user.id, name: user.name, email: user.email, email_verified: false, accounts: [] };
}
