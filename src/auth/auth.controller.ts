import { Body, Controller, Get, HttpCode, Post, Req } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import type { Actor } from './actor';
import { AuthService, type Welcome } from './auth.service';
import { CurrentActor, CurrentVisitor, type Visitor } from './current';
import { LoginRequest, PasswordCheckRequest, RegisterRequest } from './dto/auth.dto';
import { checkPassword, PASSWORD_POLICY, type PasswordCheck } from './password-policy';
import { bearerToken } from './presented-secret';
import { Public, Requires } from './requires';
import { SessionsService } from './sessions.service';
import { UsersService } from './users.service';

@ApiTags('Auth')
@Controller('v1/auth')
export class AuthController {
  constructor(
    private readonly auth: AuthService,
    private readonly sessions: SessionsService,
    private readonly users: UsersService,
  ) {}

  @Post('register')
  @Public()
  @ApiOperation({ summary: 'Make an account and log in', operationId: 'registerUser' })
  async register(@CurrentVisitor() visitor: Visitor, @Body() body: RegisterRequest) {
    return toAuthDto(await this.auth.register(visitor, body), 'Your account is ready');
  }

  @Post('login')
  @HttpCode(200)
  @Public()
  @ApiOperation({ summary: 'Log in with email and password', operationId: 'loginUser' })
  async login(@CurrentVisitor() visitor: Visitor, @Body() body: LoginRequest) {
    return toAuthDto(await this.auth.login(visitor, body), 'You are logged in');
  }

  @Post('logout')
  @HttpCode(200)
  @Public()
  @ApiOperation({ summary: 'End the login of the bearer token', operationId: 'logoutUser' })
  async logout(@Req() request: FastifyRequest, @CurrentVisitor() visitor: Visitor) {
    const token = bearerToken(request);
    if (token) await this.sessions.end(token, visitor);
    return { success: true, message: 'You are logged out' };
  }

  // Public, because a token that has just expired may still be exchanged; the service checks it.
  @Post('refresh')
  @HttpCode(200)
  @Public()
  @ApiOperation({ summary: 'Exchange the bearer token for a new one', operationId: 'refreshAuthSession' })
  async refresh(@Req() request: FastifyRequest) {
    return toAuthDto(await this.auth.refresh(bearerToken(request)), 'Your session goes on');
  }

  @Get('me')
  @Requires('user')
  @ApiOperation({ summary: 'Who you are and what your credential allows', operationId: 'getCurrentAuthUser' })
  async me(@CurrentActor() actor: Actor) {
    const user = await this.users.get(actor.userId);
    return {
      id: user.id,
      name: user.name,
      email: user.email,
      email_verified: false,
      created_at: user.createdAt,
      credential: {
        type: actor.apiKeyId ? 'api_key' : 'session',
        id: actor.apiKeyId ?? actor.sessionId,
        scopes: actor.scopes,
        graph_ids: actor.graphIds,
      },
    };
  }

  @Get('password/policy')
  @Public()
  @ApiOperation({ summary: 'What a password must be', operationId: 'getPasswordPolicy' })
  policy() {
    return { policy: PASSWORD_POLICY };
  }

  @Post('password/check')
  @HttpCode(200)
  @Public()
  @ApiOperation({ summary: 'Whether a password is good enough', operationId: 'checkPasswordStrength' })
  check(@Body() body: PasswordCheckRequest): PasswordCheck {
    return checkPassword(body.password, body.email ? [body.email.split('@')[0]] : []);
  }
}

function toAuthDto({ user, org, token }: Welcome, message: string) {
  return {
    user: { id: user.id, name: user.name, email: user.email },
    message,
    org: org && { id: org.id, name: org.name, org_type: org.org_type, role: org.role },
    token: token.token,
    expires_in: token.expiresIn,
    refresh_threshold: token.refreshThreshold,
  };
}
