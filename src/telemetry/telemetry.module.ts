import { Module } from '@nestjs/common';
import { NotYetController } from './not-yet.controller';
import { StatusController } from './status.controller';

/** How the platform is, and what it cannot do yet. */
@Module({ controllers: [StatusController, NotYetController] })
export class TelemetryModule {}
