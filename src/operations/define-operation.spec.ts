import { IsUUID } from 'class-validator';
import { defineOperation, type OperationPolicy } from './define-operation';

class BackupPayload {
  @IsUUID()
  backupId = '';
}

const POLICY: OperationPolicy = {
  attempts: 3,
  backoffMs: 0,
  timeoutMs: 1_000,
  concurrency: 1,
  cancellable: true,
  retentionDays: 1,
};
const define = (policy: Partial<OperationPolicy>, name = 'backup_create') =>
  defineOperation({
    name,
    locks: 'none',
    retryRole: 'member',
    payload: BackupPayload,
    policy: { ...POLICY, ...policy },
  });

describe('defineOperation', () => {
  it('gives back the contract, which nobody can change any more', () => {
    const contract = define({});
    expect(contract).toMatchObject({ name: 'backup_create', policy: POLICY });
    expect(Object.isFrozen(contract) && Object.isFrozen(contract.policy)).toBe(true);
  });

  it.each<[Partial<OperationPolicy>, string]>([
    [{ attempts: 0 }, 'policy.attempts must be a whole number of at least 1'],
    [{ backoffMs: -1 }, 'policy.backoffMs must be a whole number of at least 0'],
    [{ timeoutMs: 0 }, 'policy.timeoutMs must be a whole number of at least 1'],
    [{ timeoutMs: Infinity }, 'policy.timeoutMs must be'],
    [{ concurrency: 0 }, 'policy.concurrency must be a whole number of at least 1'],
    [{ perOrg: 0 }, 'policy.perOrg must be a whole number of at least 1'],
    [{ concurrency: 1.5 }, 'policy.concurrency must be'],
    [{ retentionDays: 0 }, 'policy.retentionDays must be a whole number of at least 1'],
    [{ cancellable: undefined }, 'policy.cancellable must be true or false'],
  ])('refuses a policy with %j', (policy, message) => {
    expect(() => define(policy)).toThrow(message);
  });

  it('says every mistake at once, with the type that has it', () => {
    expect(() => define({ attempts: 0, concurrency: 0 }, 'Backup')).toThrow(
      /^Operation type "Backup" cannot be defined: its name must be [^;]+; policy\.attempts [^;]+; policy\.concurrency/,
    );
  });

  it('refuses a payload that is no class, or that has a field which nothing checks', () => {
    class Unchecked extends BackupPayload {
      note = 'anything';
    }
    const withPayload = (payload: new () => object) => () =>
      defineOperation({ name: 'backup_create', locks: 'none', retryRole: 'member', payload, policy: POLICY });
    expect(withPayload(Object)).toThrow('payload must be a class');
    expect(withPayload((() => ({})) as unknown as new () => object)).toThrow('payload must be a class');
    expect(withPayload(Unchecked)).toThrow('field "note" of its payload has no validation rule');
  });
});
