import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsIn, IsInt, IsOptional, IsUUID, Matches, Max, Min } from 'class-validator';
import { MEMBER_ROLES, type MemberRole, ORG_ROLES, type OrgRole } from '../../auth/roles';
import { EmailAddress } from '../../common/email-address';
import { Text } from '../../common/text';
import { ORG_TYPES, type OrgType } from '../org.entity';

export class CreateOrgRequest {
  @ApiProperty({ maxLength: 255 })
  @Text({ max: 255, trim: true })
  name: string;

  @ApiPropertyOptional({ enum: ORG_TYPES, default: 'team' })
  @IsOptional()
  @IsIn(ORG_TYPES)
  org_type?: OrgType | null;
}

export class UpdateOrgRequest {
  @ApiPropertyOptional({ maxLength: 255 })
  @IsOptional()
  @Text({ max: 255, trim: true })
  name?: string | null;

  @ApiPropertyOptional({ enum: ORG_TYPES })
  @IsOptional()
  @IsIn(ORG_TYPES)
  org_type?: OrgType | null;
}

export class InviteMemberRequest {
  @ApiProperty({ description: 'of somebody who has registered' })
  @EmailAddress()
  email: string;

  @ApiPropertyOptional({ enum: ORG_ROLES, default: 'member' })
  @IsOptional()
  @IsIn(ORG_ROLES)
  role?: OrgRole | null;
}

export class UpdateMemberRoleRequest {
  @ApiProperty({ enum: ORG_ROLES })
  @IsIn(ORG_ROLES)
  role: OrgRole;
}

export class AddGraphMemberRequest {
  @ApiProperty({ description: "of a member of the graph's organisation" })
  @IsUUID()
  user_id: string;

  @ApiPropertyOptional({ enum: MEMBER_ROLES, default: 'member' })
  @IsOptional()
  @IsIn(MEMBER_ROLES)
  role?: MemberRole | null;
}

export class UpdateGraphMemberRequest {
  @ApiProperty({ enum: MEMBER_ROLES })
  @IsIn(MEMBER_ROLES)
  role: MemberRole;
}

export class AuditQuery {
  @ApiPropertyOptional({ default: 50, minimum: 1, maximum: 200 })
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(200)
  limit?: number;

  @ApiPropertyOptional({ description: '`next_cursor` of the page before' })
  @IsOptional()
  @Matches(/^\d{1,18}$/, { message: 'cursor must be the next_cursor of the page before' })
  cursor?: string;
}
