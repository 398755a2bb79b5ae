// The peer `node`: socket.io as it comes, with all defaults, doing the job that Syncline does with a client stage for
// each recipient (`per-recipient`), or that bare socketioxide does (`room`). It has no sessions, no types and no limits.
import { createServer } from 'node:http'
import { Server } from 'socket.io'

const serverStage = (clientInput) => clientInput

const clientStage = (_serverOutput, _recipient) => ({})

const toEach = ({ name, version, receiver }, serverOutput) => {
  for (const id of io.sockets.adapter.rooms.get(receiver) ?? []) {
    const recipient = io.sockets.sockets.get(id)
    const clientOutput = clientStage(serverOutput, recipient)
    recipient.emit('sync', { name, version, room: receiver, status: 'success', serverOutput, clientOutput })
  }
}

const toRoom = ({ name, version, receiver }, serverOutput) => {
  io.to(receiver).emit('sync', { name, version, room: receiver, status: 'success', serverOutput, clientOutput: {} })
}

const deliver = { 'per-recipient': toEach, room: toRoom }[process.argv[2]]
if (!deliver) {
  console.error('usage: node server.js per-recipient|room')
  process.exit(2)
}

const http = createServer()
const io = new Server(http)
io.on('connection', (socket) => {
  socket.on('joinRoom', ({ room }, ack) => {
    socket.join(room)
    ack({ status: 'success' })
  })
  socket.on('sync', (request, ack) => {
    const serverOutput = serverStage(request.data)
    deliver(request, serverOutput)
    ack({ status: 'success', serverOutput })
  })
})
http.listen(0, '127.0.0.1', () => console.log(`listening on 127.0.0.1:${http.address().port}`))

// A bench that is killed leaves no server behind.
process.stdin.on('end', () => process.exit(0)).resume()
