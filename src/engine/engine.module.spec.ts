import { Logger } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { ConfigModule } from '../config/config.module';
import { PlatformConfig } from '../config/platform.config';
import { Confinement } from './confinement';
import { EngineConfig } from './engine.config';
import { EngineModule } from './engine.module';
import { GraphEngine } from './graph-engine';
import { LadybugEngine } from './ladybug/ladybug-engine';

describe('engine module', () => {
  it('gives the embedded engine, confined as configured', async () => {
    Logger.overrideLogger(false);
    const app = await Test.createTestingModule({
      imports: [ConfigModule.forRoot([EngineConfig, PlatformConfig], { ENGINE_CONFINEMENT: 'none' }), EngineModule],
    }).compile();
    expect(app.get(GraphEngine)).toBeInstanceOf(LadybugEngine);
    expect(app.get(Confinement).level).toBe('none');
    await app.close();
  });

  it.each([
    [{ ENGINE_MAX_DATABASE_GB: '60' }, 'ENGINE_MAX_DATABASE_GB: "60" must be a power of two'],
    [{ ENGINE_CONFINEMENT: 'docker' }, 'ENGINE_CONFINEMENT: "docker" must be one of auto, bubblewrap, none'],
  ])('refuses %j', (environment, message) => {
    expect(() => ConfigModule.forRoot([EngineConfig], environment)).toThrow(message);
  });
});
