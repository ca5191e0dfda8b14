import { Body, Controller, Get, Post, Put } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { OrgAccess } from '../auth/access';
import type { Actor } from '../auth/actor';
import { CurrentActor, CurrentOrg } from '../auth/current';
import { Requires } from '../auth/requires';
import { CreateOrgRequest, UpdateOrgRequest } from './dto/org.dto';
import { OrgMembersService } from './org-members.service';
import { type OrgGraph, type OrgLimits, OrgsService, type OrgView } from './orgs.service';

@ApiTags('Organisations')
@Controller('v1/orgs')
export class OrgsController {
  constructor(
    private readonly orgs: OrgsService,
    private readonly members: OrgMembersService,
  ) {}

  @Get()
  @Requires('user')
  @ApiOperation({ summary: 'List the organisations that you belong to', operationId: 'listUserOrgs' })
  async list(@CurrentActor() actor: Actor) {
    const orgs = await this.orgs.list(actor);
    return { orgs: orgs.map(toOrgDto), total: orgs.length };
  }

  @Post()
  @Requires('user')
  @ApiOperation({ summary: 'Make a further organisation', operationId: 'createOrg' })
  async create(@CurrentActor() actor: Actor, @Body() body: CreateOrgRequest) {
    return toOrgDto(await this.orgs.create(actor, { name: body.name, orgType: body.org_type ?? 'team' }));
  }

  @Get(':org_id')
  @Requires('org:member')
  @ApiOperation({ summary: 'An organisation with members, graphs and limits', operationId: 'getOrg' })
  async get(@CurrentActor() actor: Actor, @CurrentOrg() org: OrgAccess) {
    const [view, members, graphs, limits] = await Promise.all([
      this.orgs.view(actor, org.id),
      this.members.list(org.id),
      this.orgs.graphs(actor, org),
      this.orgs.limits(org.id),
    ]);
    const { id, name, org_type, role, created_at, updated_at } = view;
    return { id, name, org_type, user_role: role, members, graphs, limits, created_at, updated_at };
  }

  @Put(':org_id')
  @Requires('org:admin')
  @ApiOperation({ summary: 'Change name or type', operationId: 'updateOrg' })
  async update(@CurrentActor() actor: Actor, @CurrentOrg() org: OrgAccess, @Body() body: UpdateOrgRequest) {
    await this.orgs.update(actor, org.id, { name: body.name ?? undefined, orgType: body.org_type ?? undefined });
    return this.get(actor, org);
  }

  @Get(':org_id/graphs')
  @Requires('org:member')
  @ApiOperation({ summary: 'The graphs that you can use', operationId: 'listOrgGraphs' })
  graphs(@CurrentActor() actor: Actor, @CurrentOrg() org: OrgAccess): Promise<OrgGraph[]> {
    return this.orgs.graphs(actor, org);
  }

  @Get(':org_id/limits')
  @Requires('org:member')
  @ApiOperation({ summary: 'What the organisation may have and has', operationId: 'getOrgLimits' })
  limits(@CurrentOrg() org: OrgAccess): Promise<OrgLimits> {
    return this.orgs.limits(org.id);
  }
}

function toOrgDto(org: OrgView) {
  const { id, name, org_type, role, member_count, graph_count, created_at, joined_at } = org;
  return { id, name, org_type, role, member_count, graph_count, created_at, joined_at };
}
