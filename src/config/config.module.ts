import { type DynamicModule, Module } from '@nestjs/common';
import { type ConfigClass, type Environment, loadConfigs } from './load-config';

/** Gives every config class, read and validated once, to whoever injects it. */
@Module({})
export class ConfigModule {
  static forRoot(classes: ConfigClass[], environment: Environment): DynamicModule {
    const configs = loadConfigs(classes, environment);
    return {
      module: ConfigModule,
      global: true,
      providers: [...configs].map(([provide, useValue]) => ({ provide, useValue })),
      exports: classes,
    };
  }
}
