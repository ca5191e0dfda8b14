import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsOptional } from 'class-validator';
import { EmailAddress } from '../../common/email-address';
import { Text } from '../../common/text';
import { PASSWORD_POLICY } from '../password-policy';

/** Longer input is refused before it costs a hash. */
const MAX_PASSWORD = 1024;

export class RegisterRequest {
  @ApiProperty({ maxLength: 255 })
  @Text({ max: 255, trim: true })
  name: string;

  @ApiProperty()
  @EmailAddress()
  email: string;

  @ApiProperty({ minLength: PASSWORD_POLICY.min_length, maxLength: PASSWORD_POLICY.max_length })
  @Text({ max: MAX_PASSWORD })
  password: string;

  @ApiPropertyOptional({ description: 'accepted and not looked at' })
  @IsOptional()
  @Text({ max: 4096 })
  captcha_token?: string | null;
}

export class LoginRequest {
  @ApiProperty()
  @EmailAddress()
  email: string;

  @ApiProperty()
  @Text({ max: MAX_PASSWORD })
  password: string;
}

export class PasswordCheckRequest {
  @ApiProperty()
  @Text({ max: MAX_PASSWORD })
  password: string;

  @ApiPropertyOptional({ description: 'whose password it would be' })
  @IsOptional()
  @EmailAddress()
  email?: string | null;
}

export class UpdatePasswordRequest {
  @ApiProperty()
  @Text({ max: MAX_PASSWORD })
  current_password: string;

  @ApiProperty()
  @Text({ max: MAX_PASSWORD })
  new_password: string;

  @ApiProperty({ description: 'the same as new_password' })
  @Text({ max: MAX_PASSWORD })
  confirm_password: string;
}

export class UpdateUserRequest {
  @ApiPropertyOptional({ maxLength: 255 })
  @IsOptional()
  @Text({ max: 255, trim: true })
  name?: string | null;

  @ApiPropertyOptional()
  @IsOptional()
  @EmailAddress()
  email?: string | null;
}

export class CloseAccountRequest {
  @ApiProperty({ description: 'of the account, to make sure' })
  @Text({ max: MAX_PASSWORD })
  password: string;
}
