import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { OperationContract } from './define-operation';
import type { Operation } from './operation.entity';

/** Domain writes that belong to an end without success, such as marking a half-made graph as failed. */
export type Aftermath = (em: EntityManager, operation: Operation) => Promise<void>;

/** Domain writes that let a failed operation be tried again by a new one, such as a failed file that is staged again. */
export type RetryPreparation = (em: EntityManager, retry: Operation) => Promise<void>;

/** The contracts that this process knows, and what each type wants done when one of its operations ends badly. */
@Injectable()
export class OperationTypes {
  private readonly contracts = new Map<string, OperationContract>();
  private readonly aftermaths = new Map<string, Aftermath>();
  private readonly preparations = new Map<string, RetryPreparation>();

  /** Throws when another contract has the same name. */
  register(contract: OperationContract): void {
    const known = this.contracts.get(contract.name);
    if (known !== undefined && known !== contract) {
      throw new Error(`Two operation contracts are called "${contract.name}"; rename one of them`);
    }
    this.contracts.set(contract.name, contract);
  }

  find(name: string): OperationContract | undefined {
    return this.contracts.get(name);
  }

  all(): OperationContract[] {
    return [...this.contracts.values()];
  }

  onEndWithoutSuccess(name: string, aftermath: Aftermath): void {
    this.aftermaths.set(name, aftermath);
  }

  aftermathOf(name: string): Aftermath | undefined {
    return this.aftermaths.get(name);
  }

  onRetry(name: string, preparation: RetryPreparation): void {
    this.preparations.set(name, preparation);
  }

  retryPreparationOf(name: string): RetryPreparation | undefined {
    return this.preparations.get(name);
  }
}
