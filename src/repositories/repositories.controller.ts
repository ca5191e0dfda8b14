import { Body, Controller, Get, Param, Put } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Actor } from '../auth/actor';
import { CurrentActor } from '../auth/current';
import { Requires } from '../auth/requires';
import { InvalidRequest } from '../common/problem.filter';
import { NO_SLUG, PublishRepositoryDto, SLUG, toRepository, toRepositoryDto } from './dto/repository.dto';
import { RepositoriesService } from './repositories.service';

/** Which graphs of the installation others may subscribe to. */
@ApiTags('Administration')
@Controller('v1/admin/repositories')
@Requires('operator')
export class RepositoriesController {
  constructor(private readonly repositories: RepositoriesService) {}

  @Get()
  @ApiOperation({ summary: 'Shared repositories, those that are no longer offered included' })
  async list(): Promise<object> {
    return { repositories: (await this.repositories.list()).map(toRepositoryDto) };
  }

  @Put(':name')
  @ApiOperation({ summary: 'Offer a graph as a shared repository, change its plans, or offer it no longer' })
  async publish(
    @CurrentActor() actor: Actor,
    @Param('name') name: string,
    @Body() body: PublishRepositoryDto,
  ): Promise<object> {
    if (!SLUG.test(name)) throw new InvalidRequest([{ loc: ['path', 'name'], msg: NO_SLUG, type: 'value_error' }]);
    return toRepositoryDto(await this.repositories.publish(actor, toRepository(name, body)));
  }
}
