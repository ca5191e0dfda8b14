import { RequestMethod, type Type } from '@nestjs/common';
import { METHOD_METADATA, PATH_METADATA } from '@nestjs/common/constants';
import { DiscoveryService, MetadataScanner } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';

export interface Route {
  /** `POST /v1/graphs/:graph_id/materialize`. */
  name: string;
  method: string;
  controller: Type<object>;
  handlerName: string;
  handler: (...args: unknown[]) => unknown;
}

/** Every route of the application, as its controllers declare it. */
export function routesOf(app: NestFastifyApplication): Route[] {
  const scanner = new MetadataScanner();
  const controllers = app.get(DiscoveryService, { strict: false }).getControllers();
  return controllers.flatMap(({ metatype }) => {
    const controller = metatype as Type<object>;
    const prototype = controller.prototype as Record<string, Route['handler']>;
    return scanner.getAllMethodNames(prototype).flatMap((handlerName): Route[] => {
      const handler = prototype[handlerName];
      const paths = Reflect.getMetadata(PATH_METADATA, handler) as string | string[] | undefined;
      if (paths === undefined) return [];
      const method = RequestMethod[Reflect.getMetadata(METHOD_METADATA, handler) as RequestMethod];
      const base = Reflect.getMetadata(PATH_METADATA, controller) as string;
      return [paths].flat().map((path) => {
        const url = `/${[base, path].join('/').split('/').filter(Boolean).join('/')}`;
        return { name: `${method} ${url}`, method, controller, handlerName, handler };
      });
    });
  });
}
