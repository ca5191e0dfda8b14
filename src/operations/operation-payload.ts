import { plainToInstance } from 'class-transformer';
import { validateSync } from 'class-validator';
import { fieldProblems } from '../common/validation.pipe';
import type { OperationContract } from './define-operation';
import { InvalidOperationPayload } from './operations.errors';

/** Far above what ids and options need; a payload is a note to a worker, not a parcel. */
const LARGEST_PAYLOAD = 64 * 1024;

/** Reads a payload by the rules of its class, when it is asked for and again when it is run. Throws what breaks them. */
export function parsePayload<P extends object>(contract: OperationContract<P>, plain: unknown): P {
  if (typeof plain !== 'object' || plain === null || Array.isArray(plain)) {
    throw new InvalidOperationPayload(contract.name, ['it must be an object']);
  }
  try {
    return checked(contract, plain);
  } catch (error) {
    // The stack is used up before the payload is.
    if (error instanceof RangeError) throw new InvalidOperationPayload(contract.name, ['it is nested too deeply']);
    throw error;
  }
}

function checked<P extends object>(contract: OperationContract<P>, plain: object): P {
  const size = Buffer.byteLength(JSON.stringify(plain));
  if (size > LARGEST_PAYLOAD) {
    throw new InvalidOperationPayload(contract.name, [`${size} bytes are more than ${LARGEST_PAYLOAD}`]);
  }
  const payload = plainToInstance(contract.payload, plain);
  const broken = validateSync(payload, { whitelist: true, forbidNonWhitelisted: true, forbidUnknownValues: false });
  if (broken.length > 0) {
    const problems = broken
      .flatMap((error) => fieldProblems(error, []))
      .map(({ loc, msg }) => `${loc.join('.')}: ${msg}`);
    throw new InvalidOperationPayload(contract.name, problems);
  }
  return payload;
}
