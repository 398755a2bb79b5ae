// The server of @hocuspocus/server as it comes, in memory, on a port that it says.
import { Server } from '@hocuspocus/server'

const server = new Server({ port: Number(process.env.PORT), address: '127.0.0.1', quiet: true, stopOnSignals: true })
await server.listen()
console.log(`listening on 127.0.0.1:${process.env.PORT}`)
