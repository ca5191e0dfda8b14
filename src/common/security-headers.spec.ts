import { securityHeaders } from './security-headers';

describe('security headers', () => {
  it("are helmet's and nothing else", async () => {
    const headers = await securityHeaders();
    expect(headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'x-frame-options': 'SAMEORIGIN' });
    expect(headers['content-security-policy']).toContain("default-src 'self'");
    expect(Object.keys(headers)).not.toContain('content-type');
  });
});
