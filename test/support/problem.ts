import type { Response } from 'supertest';

/** Expects a complete problem document (RFC 9457). With status 429 or 503 it needs `Retry-After`. */
export function expectProblem(response: Response, status: number, code: string): void {
  expect({ status: response.status, code: response.body.code }).toEqual({ status, code });
  expect(response.headers['content-type']).toBe('application/problem+json');
  expect(response.body).toMatchObject({
    type: expect.any(String),
    title: expect.any(String),
    status,
    detail: expect.any(String),
    instance: expect.stringMatching(/^\//),
    requestId: expect.any(String),
  });
  if (status === 429 || status === 503) {
    expect(Number(response.headers['retry-after'])).toBeGreaterThanOrEqual(1);
  }
}
