import { Body, Controller, Delete, Get, HttpCode, Param, Post, Put } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { OrgAccess } from '../auth/access';
import type { Actor } from '../auth/actor';
import { CurrentActor, CurrentOrg } from '../auth/current';
import { Requires } from '../auth/requires';
import { InviteMemberRequest, UpdateMemberRoleRequest } from './dto/org.dto';
import { OrgMembersService, type OrgMemberView } from './org-members.service';

@ApiTags('Organisations')
@Controller('v1/orgs/:org_id/members')
export class OrgMembersController {
  constructor(private readonly members: OrgMembersService) {}

  @Get()
  @Requires('org:member')
  @ApiOperation({ summary: 'List the members', operationId: 'listOrgMembers' })
  async list(@CurrentOrg() org: OrgAccess) {
    const members = await this.members.list(org.id);
    return { members, total: members.length, org_id: org.id };
  }

  @Post()
  @Requires('org:admin')
  @ApiOperation({ summary: 'Add somebody who has registered', operationId: 'inviteOrgMember' })
  add(
    @CurrentActor() actor: Actor,
    @CurrentOrg() org: OrgAccess,
    @Body() body: InviteMemberRequest,
  ): Promise<OrgMemberView> {
    return this.members.add(actor, org, { email: body.email, role: body.role ?? 'member' });
  }

  @Put(':user_id')
  @Requires('org:admin')
  @ApiOperation({ summary: 'Give a member another role', operationId: 'updateOrgMemberRole' })
  changeRole(
    @CurrentActor() actor: Actor,
    @CurrentOrg() org: OrgAccess,
    @Param('user_id') userId: string,
    @Body() body: UpdateMemberRoleRequest,
  ): Promise<OrgMemberView> {
    return this.members.changeRole(actor, org, userId, body.role);
  }

  // A member may remove themselves; the service keeps them from removing others.
  @Delete(':user_id')
  @HttpCode(204)
  @Requires('org:member', { scope: 'admin' })
  @ApiOperation({ summary: 'Remove a member, or leave', operationId: 'removeOrgMember' })
  remove(@CurrentActor() actor: Actor, @CurrentOrg() org: OrgAccess, @Param('user_id') userId: string): Promise<void> {
    return this.members.remove(actor, org, userId);
  }
}
