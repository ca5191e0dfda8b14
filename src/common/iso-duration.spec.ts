import { isoDuration } from './iso-duration';

describe('the text of a duration', () => {
  it.each([
    [0, 0, 0n, 'PT0S'],
    [14, 3, 14_706_000_007n, 'P1Y2M3DT4H5M6.000007S'],
    [0, 0, 3_600_000_000n, 'PT1H'],
    [0, 0, -500_000n, 'PT-0.5S'],
    [0, 0, -3_661_500_000n, 'PT-1H-1M-1.5S'],
    [-14, 1, -90_000_000_001n, 'P-1Y-2M1DT-25H-0.000001S'],
    [12, 0, 0n, 'P1Y'],
    [-1, 0, 1n, 'P-1MT0.000001S'],
    [0, 0, 9_223_372_036_854_775_807n, 'PT2562047788H54.775807S'],
  ])('of %d months, %d days and %d µs', (months, days, micros, text) => {
    expect(isoDuration({ months, days, micros })).toBe(text);
  });
});
