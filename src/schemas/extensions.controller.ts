import { Body, Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { Requires } from '../auth/requires';
import { NotRepeatable } from '../idempotency/not-repeatable';
import { checkSchema, toCheckDto } from './check-schema';
import { composeSchema } from './compose-schema';
import { toExtensionDetailDto, toExtensionDto, ValidateSchemaDto } from './dto/schema.dto';
import { schemaExtensions } from './schema-extensions';
import { ExtensionNotFound } from './schemas.errors';

/** What can be asked about schemas without having a graph. */
@ApiTags('schema')
@Controller('v1/graphs')
export class ExtensionsController {
  @Get('extensions')
  @Requires('user')
  @ApiOperation({ summary: 'Ready-made schemas that graphs can be made from' })
  list(): object {
    return { extensions: [...schemaExtensions().values()].map(toExtensionDto) };
  }

  @Get('extensions/:name')
  @Requires('user')
  @ApiOperation({ summary: 'A ready-made schema with all of its types' })
  read(@Param('name') name: string): object {
    const extension = schemaExtensions().get(name);
    if (extension === undefined) throw new ExtensionNotFound();
    return toExtensionDetailDto(extension, composeSchema({ name, extensions: [name] }));
  }

  @Post('schema/validate')
  @HttpCode(200)
  @NotRepeatable('Checking changes nothing')
  @Requires('user', { scope: 'read' })
  @ApiOperation({ summary: 'Every problem of a definition for a graph that is not there yet' })
  validate(@Body() body: ValidateSchemaDto): object {
    return toCheckDto(checkSchema(body));
  }
}
