import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { GraphMembersController } from './graph-members.controller';
import { GraphMembersService } from './graph-members.service';
import { OrgAuditController } from './org-audit.controller';
import { OrgMember } from './org-member.entity';
import { OrgMembersController } from './org-members.controller';
import { OrgMembersService } from './org-members.service';
import { Org } from './org.entity';
import { OrgsController } from './orgs.controller';
import { OrgsService } from './orgs.service';

/** Organisations, their members, and who of them may use which graph. */
@Module({
  imports: [TypeOrmModule.forFeature([Org, OrgMember])],
  controllers: [OrgsController, OrgMembersController, OrgAuditController, GraphMembersController],
  providers: [OrgsService, OrgMembersService, GraphMembersService],
  exports: [OrgsService, GraphMembersService],
})
export class OrgsModule {}
