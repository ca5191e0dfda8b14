import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { OrgsModule } from '../orgs/orgs.module';
import { AccessModule } from './access.module';
import { ApiKey } from './api-key.entity';
import { ApiKeysController } from './api-keys.controller';
import { ApiKeysService } from './api-keys.service';
import { AuthController } from './auth.controller';
import { AuthService } from './auth.service';
import { BootstrapOwner } from './bootstrap-owner';
import { LoginThrottle } from './login-throttle';
import { OperatorsController } from './operators.controller';
import { OperatorsService } from './operators.service';
import { PasswordHasher } from './password-hasher';
import { Session } from './session.entity';
import { SessionsService } from './sessions.service';
import { User } from './user.entity';
import { UsersController } from './users.controller';
import { UsersService } from './users.service';

/** Who you are: accounts, logins, API keys, and the guard that knows what you may do. */
@Module({
  imports: [TypeOrmModule.forFeature([User, Session, ApiKey]), AccessModule, OrgsModule],
  controllers: [AuthController, UsersController, ApiKeysController, OperatorsController],
  providers: [
    AuthService,
    UsersService,
    SessionsService,
    ApiKeysService,
    OperatorsService,
    PasswordHasher,
    LoginThrottle,
    BootstrapOwner,
  ],
  exports: [AccessModule, BootstrapOwner, UsersService],
})
export class AuthModule {}
