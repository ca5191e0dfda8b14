import fc from 'fast-check';
import { passesAtOnce } from '../../common/passes-at-once';
import { RequestValidationPipe } from '../../common/validation.pipe';
import { CypherQueryDto, QueryOptionsDto } from './cypher-query.dto';

/** The same rules without the glance, which is looked up by the class itself. */
class RuledQuery extends CypherQueryDto {}
class RuledOptions extends QueryOptionsDto {}

const pipe = new RequestValidationPipe();
const value = fc.oneof(fc.string(), fc.integer(), fc.double(), fc.boolean(), fc.constant(null), fc.jsonValue());
const statement = fc.oneof(
  fc.constant('RETURN 1'),
  fc.string({ unit: 'binary' }),
  fc.constantFrom('', ' ', 'a\u0000', 'a\n\t', '\ud800', 'x'.repeat(50_001), 'MATCH (a) RETURN a'),
);
const seconds = fc.oneof(fc.integer({ min: -2, max: 3_700 }), fc.constantFrom(1, 3_600, 1.5, NaN, '5', null));
const parameters = fc.dictionary(
  fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor', 'prototype', 'toString')),
  value,
);
const plainParameters = fc.dictionary(fc.string(), fc.oneof(fc.string(), fc.integer(), fc.constant(null)));
const body = fc.record(
  {
    query: fc.oneof({ weight: 4, arbitrary: statement }, value),
    parameters: fc.oneof({ weight: 3, arbitrary: plainParameters }, parameters, value),
    timeout: seconds,
  },
  { requiredKeys: [] },
);
const bodies = fc.oneof(
  { weight: 5, arbitrary: body },
  fc.tuple(body, value).map(([one, other]) => ({ ...one, other })),
);
const mode = fc.constantFrom('auto', 'sync', 'async', 'stream', 'other', '');
const options = fc.oneof(
  fc.record({ mode: fc.oneof(mode, value), chunk_size: fc.string(), explain: fc.string() }, { requiredKeys: [] }),
  fc.constantFrom({}, { mode: ['sync'] }, []),
);

describe('the glance at a query', () => {
  it.each([
    ['body', CypherQueryDto, RuledQuery, bodies],
    ['query', QueryOptionsDto, RuledOptions, options],
  ] as const)('accepts of its %s only what the rules accept, unchanged', async (type, glanced, ruled, inputs) => {
    let accepted = 0;
    await fc.assert(
      fc.asyncProperty(inputs as fc.Arbitrary<object>, async (input) => {
        if (!passesAtOnce(glanced, input)) return;
        accepted += 1;
        const byRules = (await pipe.transform(structuredClone(input), { type, metatype: ruled })) as object;
        const atOnce = (await pipe.transform(input, { type, metatype: glanced })) as object;
        expect(atOnce).toBeInstanceOf(glanced);
        expect({ ...atOnce }).toEqual({ ...byRules });
      }),
      { numRuns: 1_000 },
    );
    expect(accepted).toBeGreaterThan(10);
  });

  it.each([{}, { timeout: 5 }, { timeout: 5, parameters: { id: 'a', n: 1, on: true, none: null } }])(
    'accepts what programs send all day: %j',
    (more) => expect(passesAtOnce(CypherQueryDto, { query: 'MATCH (a)\nRETURN a', ...more })).toBe(true),
  );

  it('leaves parameters as they were sent, whatever they are called', async () => {
    const parameters = { toString: 1, valueOf: { hasOwnProperty: [2] }, plain: 3 };
    const body = await pipe.transform(
      { query: 'RETURN $toString', parameters },
      { type: 'body', metatype: CypherQueryDto },
    );
    expect((body as CypherQueryDto).parameters).toEqual(parameters);
  });
});
