// Wine 8 refuses the option that keeps a TCP connection alive, which Windows has.
const { Socket } = require('node:net')
Socket.prototype.setKeepAlive = function () {
  return this
}
