// What is done to the page's socket, from the page's own side: the server sees what it would see of a bad network.

export const trouble = {
  rate: 0, // bytes per second for chunks; 0 is as fast as it goes
  free: 0, // when the link has carried what was sent so far, in ms

  install(connection) {
    const send = connection.sendBinary.bind(connection);
    connection.sendBinary = (data) => {
      const { socket } = connection;
      if (socket?.isSilent) return;
      if (!this.rate || typeof data === "string") return send(data);
      const now = performance.now();
      this.free = Math.max(now, this.free) + (1000 * data.byteLength) / this.rate;
      setTimeout(() => connection.socket === socket && send(data), this.free - now);
    };
  },

  throttle(rate) {
    this.rate = rate;
    this.free = 0;
  },

  cut(connection) {
    connection.socket?.close(4000);
  },

  /** Nothing comes or goes any more on this socket, and nobody is told: it is for the heartbeat to find out. */
  stall(connection) {
    const { socket } = connection;
    if (socket) Object.assign(socket, { isSilent: true, onmessage: null });
  },

  /** The socket is gone, and there is no other until `plug`. */
  unplug(connection) {
    this.free = 0;
    connection.rest("reconnecting");
  },

  plug(connection) {
    connection.retryNow();
  },
};
