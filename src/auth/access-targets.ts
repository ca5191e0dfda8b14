import { Injectable } from '@nestjs/common';

/** To whom something belongs; never changes for one id. */
export interface OwnedBy {
  orgId: string | null;
  graphId: string | null;
  userId: string | null;
}

/** Finds the owner of an id; null where there is no such thing. */
export type TargetResolver = (id: string) => Promise<OwnedBy | null>;

/** Where higher layers tell the guard how to find the owner of what their path parameters name. */
@Injectable()
export class AccessTargets {
  private readonly resolvers = new Map<string, TargetResolver>();

  /** `parameter` is the path parameter, such as `operation_id`. Call it once, when the module starts. */
  register(parameter: string, resolver: TargetResolver): void {
    if (this.resolvers.has(parameter))
      throw new Error(`The owner of "${parameter}" is already looked up by another module`);
    this.resolvers.set(parameter, resolver);
  }

  resolve(parameter: string, id: string): Promise<OwnedBy | null> {
    const resolver = this.resolvers.get(parameter);
    if (!resolver) throw new Error(`No module has told how to find the owner of "${parameter}"`);
    return resolver(id);
  }
}
