import { Injectable } from '@nestjs/common';

/** Makes an answer anew from the operation that a request began; null where that is gone too. */
export type AnswerOfOperation = (operationId: string) => Promise<object | null>;

/** What to answer to the repeat of a request whose own answer was lost. Filled by the module that knows operations. */
@Injectable()
export class LostAnswers {
  private fromOperation: AnswerOfOperation = () => Promise.resolve(null);

  register(fromOperation: AnswerOfOperation): void {
    this.fromOperation = fromOperation;
  }

  find(operationId: string): Promise<object | null> {
    return this.fromOperation(operationId);
  }
}
