/** One event of a stream, as it came over the wire. */
export interface StreamEvent {
  id: string | null;
  event: string;
  data: Record<string, unknown>;
}

export interface Started {
  operation_id: string;
  graph_id: string;
  _links: { stream: string; status: string };
}

/** A client as thin as can be, so that tests see what is on the wire. */
export class Client {
  constructor(
    readonly url: string,
    readonly apiKey: string,
  ) {}

  /** Makes an account on a platform; a client with a key of it. */
  static async register(url: string, email: string): Promise<{ client: Client; userId: string; keyId: string }> {
    const post = async <T>(path: string, body: object, token?: string): Promise<T> => {
      const response = await fetch(new URL(path, url), {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
        body: JSON.stringify(body),
      });
      if (response.status !== 201) throw new Error(await response.text());
      return (await response.json()) as T;
    };
    const account = { name: 'Somebody', email, password: 'Correct-horse-42-battery' };
    const { token, user } = await post<{ token: string; user: { id: string } }>('/v1/auth/register', account);
    const made = await post<{ key: string; api_key: { id: string } }>('/v1/user/api-keys', { name: 'key' }, token);
    return { client: new Client(url, made.key), userId: user.id, keyId: made.api_key.id };
  }

  request(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Response> {
    return fetch(new URL(path, this.url), {
      method,
      headers: {
        'x-api-key': this.apiKey,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  }

  /** The body of an answer that must have this status. */
  async expect<T = Record<string, unknown>>(status: number, method: string, path: string, body?: unknown): Promise<T> {
    const response = await this.request(method, path, body);
    const text = await response.text();
    if (response.status !== status)
      throw new Error(`${method} ${path}: ${response.status} instead of ${status}: ${text}`);
    return (text === '' ? {} : JSON.parse(text)) as T;
  }

  /** The problem that is answered, with its status. */
  async refusal(method: string, path: string, body?: unknown): Promise<Record<string, unknown>> {
    const response = await this.request(method, path, body);
    return { ...((await response.json()) as Record<string, unknown>), status: response.status };
  }

  /** Every frame of an operation's stream from its beginning to its close. */
  async events(started: Started, headers: Record<string, string> = {}): Promise<StreamEvent[]> {
    const response = await this.request('GET', started._links.stream, undefined, headers);
    if (!response.ok) throw new Error(`Stream: ${response.status}`);
    return parseFrames(await response.text());
  }

  /** Resolves as soon as the stream of an operation holds the text; throws when the operation ends without it. */
  async untilEvent(started: Started, text: string): Promise<void> {
    const response = await this.request('GET', started._links.stream);
    let seen = '';
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
      seen += Buffer.from(chunk).toString();
      if (seen.includes(text)) return;
    }
    throw new Error(`Ended without "${text}": ${seen}`);
  }

  /** Waits for the end of an operation and returns its result; throws what it failed with. */
  async result(started: Started): Promise<Record<string, unknown>> {
    const last = (await this.events(started)).filter((frame) => frame.id !== null).at(-1);
    if (last?.event !== 'operation_completed') throw new Error(JSON.stringify(last));
    return last.data.result as Record<string, unknown>;
  }

  async createGraph(schema: object, name = 'test'): Promise<string> {
    const started = await this.expect<Started>(202, 'POST', '/v1/graphs', {
      metadata: { graph_name: name },
      custom_schema: schema,
    });
    await this.result(started);
    return started.graph_id;
  }

  /** Uploads and stages a file; the answer of the last step. */
  async stage(
    graphId: string,
    table: string,
    fileName: string,
    content: string | Buffer,
    contentType = 'text/csv',
  ): Promise<Response> {
    const file = await this.expect<{ file_id: string; upload_url: string }>(
      200,
      'POST',
      `/v1/graphs/${graphId}/files`,
      {
        file_name: fileName,
        table_name: table,
        content_type: contentType,
      },
    );
    const put = await fetch(file.upload_url, {
      method: 'PUT',
      body: content,
      headers: { 'content-type': contentType },
    });
    if (!put.ok) throw new Error(`Upload: ${put.status} ${await put.text()}`);
    return this.request('PATCH', `/v1/graphs/${graphId}/files/${file.file_id}`, { status: 'uploaded' });
  }

  async materialize(graphId: string, options: object = {}): Promise<Record<string, unknown>> {
    return this.result(await this.expect<Started>(200, 'POST', `/v1/graphs/${graphId}/materialize`, options));
  }

  async query(graphId: string, query: string, parameters: object = {}): Promise<Record<string, unknown>[]> {
    const answer = await this.expect<{ data: Record<string, unknown>[] }>(200, 'POST', `/v1/graphs/${graphId}/query`, {
      query,
      parameters,
    });
    return answer.data;
  }
}

/** Reads the frames of an event stream; comments are left out. */
export function parseFrames(text: string): StreamEvent[] {
  return text
    .split('\n\n')
    .map(
      (frame) =>
        new Map(
          frame
            .split('\n')
            .flatMap((line): [string, string][] =>
              /^\w+:/.test(line) ? [[line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]] : [],
            ),
        ),
    )
    .filter((fields) => fields.has('data'))
    .map((fields) => ({
      id: fields.get('id') ?? null,
      event: fields.get('event') ?? 'message',
      data: JSON.parse(fields.get('data')!) as Record<string, unknown>,
    }));
}
