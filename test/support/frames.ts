/** One frame of an event stream, or a comment, as it came over the wire. */
export interface Frame {
  id?: string;
  event?: string;
  data?: Record<string, unknown>;
  retry?: string;
  comment?: string;
}

/** The frames of an open stream, as they come. */
export async function* framesOf(response: Response): AsyncGenerator<Frame, void> {
  let text = '';
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    const parts = text.split('\n\n');
    text = parts.pop()!;
    for (const part of parts) yield parse(part);
  }
}

/** All frames of a stream that closes by itself. */
export async function allFrames(response: Response): Promise<Frame[]> {
  const frames: Frame[] = [];
  for await (const frame of framesOf(response)) frames.push(frame);
  return frames;
}

/** Frames up to the first one that `accept` takes; the connection is closed then. */
export async function framesUntil(response: Response, accept: (frame: Frame) => boolean): Promise<Frame[]> {
  const frames: Frame[] = [];
  for await (const frame of framesOf(response)) {
    frames.push(frame);
    if (accept(frame)) return frames;
  }
  throw new Error(`The stream ended: ${JSON.stringify(frames)}`);
}

function parse(text: string): Frame {
  const frame: Frame = {};
  for (const line of text.split('\n')) {
    const [, field, value] = /^(\w*): ?(.*)$/.exec(line)!;
    if (field === '') frame.comment = value;
    else if (field === 'data') frame.data = JSON.parse(value) as Record<string, unknown>;
    else Object.assign(frame, { [field]: value });
  }
  return frame;
}
