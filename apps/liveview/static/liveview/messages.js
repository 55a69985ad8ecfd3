// The twin of messages.py, where each message is described.

export const PROTOCOL = 1;

export const CloseCode = { SESSION_ENDED: 4401, OVERRUN: 4413, RATE: 4429 };

/** @type {LiveView.Messages} */
export const messages = {
  mount: (url, snapshot) => ({ type: "mount", protocol: PROTOCOL, url, snapshot }),
  event: (ref, name, params) => ({ type: "event", ref, name, params }),
  call: (ref, name, params) => ({ type: "call", ref, name, params }),
  url: (url) => ({ type: "url", url }),
  html: () => ({ type: "html" }),
  heartbeat: () => ({ type: "heartbeat" }),
};
