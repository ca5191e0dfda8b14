import { Injectable, type OnModuleInit } from '@nestjs/common';
import { PATH_METADATA } from '@nestjs/common/constants';
import { DiscoveryService, MetadataScanner, Reflector } from '@nestjs/core';
import { ROUTE_ACCESS, type RouteAccess, TARGET_PARAMETERS } from './requires';

/** Refuses to start an application with a route that does not say who may call it. */
@Injectable()
export class GuardedRoutes implements OnModuleInit {
  constructor(
    private readonly discovery: DiscoveryService,
    private readonly scanner: MetadataScanner,
    private readonly reflector: Reflector,
  ) {}

  onModuleInit(): void {
    const problems = this.discovery.getControllers().flatMap(({ metatype, instance }) => {
      if (!metatype || !instance) return [];
      const prototype = Object.getPrototypeOf(instance) as Record<string, () => unknown>;
      return this.scanner
        .getAllMethodNames(prototype)
        .filter((name) => Reflect.hasMetadata(PATH_METADATA, prototype[name]))
        .flatMap((name) => this.problemsOf(metatype as new () => object, prototype[name], name));
    });
    if (problems.length > 0) throw new Error(`Routes without a sound access rule:\n  ${problems.join('\n  ')}`);
  }

  private problemsOf(controller: new () => object, handler: () => unknown, name: string): string[] {
    const rule = this.reflector.getAllAndOverride<RouteAccess | undefined>(ROUTE_ACCESS, [handler, controller]);
    const route = `${controller.name}.${name}`;
    if (!rule) return [`${route}: say @Requires(...) or @Public()`];
    if (rule.target === 'public' || rule.target === 'user' || rule.target === 'operator') return [];
    const path = [Reflect.getMetadata(PATH_METADATA, controller), Reflect.getMetadata(PATH_METADATA, handler)].join(
      '/',
    );
    const parameter = `:${TARGET_PARAMETERS[rule.target]}`;
    return path.split('/').includes(parameter)
      ? []
      : [`${route}: @Requires('${rule.target}:...') needs ${parameter} in its path`];
  }
}
