import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module';
import { EngineModule } from '../engine/engine.module';
import { GraphsModule } from '../graphs/graphs.module';
import { JobsModule } from '../jobs/jobs.module';
import { ChangeSchemaProcessor } from './change-schema.processor';
import { ExtensionsController } from './extensions.controller';
import { SchemasController } from './schemas.controller';
import { ChangeSchema } from './schemas.operations';
import { SchemasRepository } from './schemas.repository';
import { SchemasService } from './schemas.service';

@Module({
  imports: [AuditModule, EngineModule, GraphsModule, JobsModule.forFeature([ChangeSchema])],
  controllers: [ExtensionsController, SchemasController],
  providers: [SchemasService, SchemasRepository, ChangeSchemaProcessor],
  exports: [SchemasService],
})
export class SchemasModule {}
