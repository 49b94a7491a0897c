// A collection of ten pages over HTTP/2; the argument is the file with certificate and key.
import fs from 'node:fs';
import http2 from 'node:http2';

const pem = fs.readFileSync(process.argv[2]);
const server = http2.createSecureServer({ key: pem, cert: pem, allowHTTP1: true });
server.on('request', (request, response) => {
  const url = new URL(request.url, 'https://localhost');
  const page = Number(url.searchParams.get('page') ?? 0);
  const value = Array.from({ length: 500 }, (_, index) => ({ id: `${page}-${index}`, text: 'x'.repeat(400) }));
  const body = { value };
  if (page < 9) body['@odata.nextLink'] = `https://localhost:${server.address().port}/v1.0/things?page=${page + 1}`;
  response.writeHead(200, { 'content-type': 'application/json', 'x-version': request.httpVersion });
  response.end(JSON.stringify(body));
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
process.stdin.on('end', () => process.exit(0)).resume();
