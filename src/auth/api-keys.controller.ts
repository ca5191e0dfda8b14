import { Body, Controller, Delete, Get, Param, Post, Put } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Actor } from './actor';
import { ApiKeysService, type IssuedKey } from './api-keys.service';
import { CurrentActor } from './current';
import { CreateApiKeyRequest, RotateApiKeyRequest, toApiKeyDto, UpdateApiKeyRequest, utcDate } from './dto/api-key.dto';
import { Requires } from './requires';

/** Keys that make keys could outlive their own end, so changes take the scope "admin". */
@ApiTags('API keys')
@Controller('v1/user/api-keys')
@Requires('user', { scope: 'admin' })
export class ApiKeysController {
  constructor(private readonly apiKeys: ApiKeysService) {}

  @Get()
  @Requires('user')
  @ApiOperation({ summary: 'List your keys', operationId: 'listUserAPIKeys' })
  async list(@CurrentActor() actor: Actor) {
    return { api_keys: (await this.apiKeys.list(actor)).map(toApiKeyDto) };
  }

  @Post()
  @ApiOperation({ summary: 'Make a key; it is shown this once', operationId: 'createUserAPIKey' })
  async create(@CurrentActor() actor: Actor, @Body() body: CreateApiKeyRequest) {
    const { name, description, scopes, graph_ids: graphIds } = body;
    const expiresAt = body.expires_at ? utcDate(body.expires_at) : null;
    return toIssuedDto(await this.apiKeys.create(actor, { name, description, scopes, graphIds, expiresAt }));
  }

  @Put(':api_key_id')
  @ApiOperation({ summary: 'Change name or description', operationId: 'updateUserAPIKey' })
  async update(@CurrentActor() actor: Actor, @Param('api_key_id') id: string, @Body() body: UpdateApiKeyRequest) {
    const changes = { name: body.name ?? undefined, description: body.description ?? undefined };
    return toApiKeyDto(await this.apiKeys.update(actor, id, changes));
  }

  @Post(':api_key_id/rotate')
  @ApiOperation({ summary: 'Replace a key by a new one with the same rights', operationId: 'rotateUserAPIKey' })
  async rotate(@CurrentActor() actor: Actor, @Param('api_key_id') id: string, @Body() body: RotateApiKeyRequest) {
    return toIssuedDto(await this.apiKeys.rotate(actor, id, body.overlap_seconds ?? 0));
  }

  @Delete(':api_key_id')
  @ApiOperation({ summary: 'Revoke a key at once', operationId: 'revokeUserAPIKey' })
  async revoke(@CurrentActor() actor: Actor, @Param('api_key_id') id: string) {
    await this.apiKeys.revoke(actor, id);
    return { message: 'The API key is revoked', success: true };
  }
}

function toIssuedDto({ apiKey, secret }: IssuedKey) {
  return { api_key: toApiKeyDto(apiKey), key: secret };
}
