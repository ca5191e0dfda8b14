import { Socket } from 'node:net';
import { HostSession } from './host-session';

/**
 * Entry of a host process (see PROTOCOL.md). Loads nothing of the platform besides this folder: it starts fast, and
 * the sandbox shows it only what it needs.
 */
const socket = new Socket({ fd: 3, readable: true, writable: true });
const session = new HostSession(socket);
socket.on('close', () => session.die());
socket.on('error', () => session.die());
